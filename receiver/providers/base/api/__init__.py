"""Calling a provider: what the API clients of all providers share.

`definition.py` says what a call is and `contract.py` what an API is. `request.py` and `reply.py` turn calls into bytes
and back, without any input or output. `sending.py` sends them: asynchronously, and by its twin `sending_sync.py`.
"""
