"""What to do with a data set on a machine: `detectune advise` and `detectune data anchors`.

    data ─► data_facts ─┐
                        ├─► rules (a table) ─► advise ─► advice_file ─► `config new --from-advice`
    machine ─► speed ───┘

`rules` holds every threshold, with where it comes from; see docs/decisions/0032-advise.md.
"""
