"""The language of moments: expressions over samples on a grid, read and made SQL of."""
