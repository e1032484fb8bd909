"""The `tap:` port: a network interface that Wirebrick makes (Linux, Documentation/networking/tuntap.rst)."""
