"""The four JSON files and the numbers of the system that this one replaces."""
