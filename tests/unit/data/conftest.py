"""Makes the modules beside this file importable: `from data_sets import …`."""
