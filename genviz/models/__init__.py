"""The systems, one file each, a folder a family; dropped in and discovered."""
