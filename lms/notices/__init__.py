"""What the product tells a person in its own pages: a line with an address, until it has been seen."""
