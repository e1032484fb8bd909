"""The network functions that come with Wirebrick, one a file or folder; and how users' own are loaded."""
