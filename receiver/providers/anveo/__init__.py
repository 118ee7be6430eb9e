"""Anveo: creates click-to-call buttons (API action CLICK2CALL.BUTTON.CREATE). It sends no callbacks (I-52)."""
