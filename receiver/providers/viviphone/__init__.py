"""ViviPhone: click-to-call buttons and their history (API reference guide 1.2). It sends no callbacks (I-45)."""
