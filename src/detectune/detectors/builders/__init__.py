"""Config messages → parts: one module per kind of part, one short function per message.

A choice that detectune does not offer is refused by name; fields that are deliberately ignored
stand in `config/field_status`.
"""
