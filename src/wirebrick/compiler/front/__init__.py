"""The front end: a user function's syntax tree in; checked, low-level Python out."""
