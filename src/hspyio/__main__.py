"""``python -m hspyio`` is the command ``hspy``."""

from hspyio.cli.main import main

if __name__ == "__main__":
    main()
