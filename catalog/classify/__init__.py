"""Which columns are sensitive: names of columns and samples of their values in, labels out.

A pure room: it opens no file and no database, keeps nothing, and lets no value out. `columns.py` weighs the evidence,
`names.py` reads columns' names, the others say what a value looks like: `values.py` (e-mail, card, IBAN, phone, IP,
names, dates), `national.py` (national ids), `secrets.py`, `places.py` (coordinates).
"""
