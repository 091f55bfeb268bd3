"""From a decision to a reconciled transaction: recorded before it is sent, never carried out twice."""
