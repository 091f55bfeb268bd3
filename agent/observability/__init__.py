"""What a keeper tells others while it runs: log, metrics, health, alerts; and the watcher that believes none of it."""
