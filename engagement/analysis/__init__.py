"""What the drives allow to say about a difference: comparisons of two groups, and gates on them."""
