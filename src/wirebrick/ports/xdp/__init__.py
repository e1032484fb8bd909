"""The ``xdp:`` port: AF_XDP sockets, from Python alone."""
