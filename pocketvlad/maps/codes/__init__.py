"""Map codes, a file each: as which bytes a map keeps the descriptor of a place."""
