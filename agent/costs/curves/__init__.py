"""What a trade of any size costs on each kind of venue, in closed form; one kind a file."""
