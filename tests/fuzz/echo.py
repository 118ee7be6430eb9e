"""Handlers that echo what the caller sent: whatever it is, the reply must be valid."""

import json

from receiver import CallRecord, Handlers
from receiver.providers.voicenter import (
    Contact,
    GoToLayer,
    IvrRequest,
    LayerInput,
    Menu,
    PopupRequest,
    SayDigits,
)

handlers = Handlers()


@handlers.answer(IvrRequest)
async def ivr(step: IvrRequest) -> Menu | SayDigits:
    """Echo the fields of the question."""
    if step.is_first:
        return Menu(menu=step.did or "main", rec=step.caller_name or "welcome", size=1)
    return SayDigits(
        menu=step.menu,
        rec=step.previous_menu or "rec",
        size=1,
        digits_rec="rec",
        digits="".join(filter(str.isdecimal, step.dtmf)) or "0",
    )


@handlers.answer(LayerInput)
async def layer(step: LayerInput) -> GoToLayer:
    """Echo the caller's own data."""
    return GoToLayer(layer=step.layer_id or 1, custom_data={**step.custom_data, "chosen": step.dtmf})


@handlers.answer(PopupRequest)
async def who_calls(request: PopupRequest) -> Contact:
    """Echo the request as a contact."""
    return Contact(url=f"https://crm.example.com/?{request.phone}", client_name=request.phone, company=request.did)


@handlers.on(CallRecord)
async def record(record: CallRecord) -> None:
    """Serialise the record, and discard the result."""
    json.dumps(record.as_json(), allow_nan=False).encode()
