"""Calling a provider: what the API clients of all providers share.

`definition.py` says what a call is, `request.py` and `reply.py` turn it into bytes and back without any input or
output, and `sending.py` sends it: asynchronously, and by its generated twin `sending_sync.py`.
"""
