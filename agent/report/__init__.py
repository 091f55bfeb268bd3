"""What a replay left behind, as a page for people and a file for machines."""
