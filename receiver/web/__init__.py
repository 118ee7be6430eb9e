"""The ASGI app: routes, access control, admission, rejections, probes and HTTP limits."""
