"""Makes the modules beside this file importable: `from shared import shared_folder`."""
