"""``python -m rmpsam_mobile`` and the ``rmpsam-mobile`` command."""

from rmpsam_mobile.cli.app import main

if __name__ == "__main__":
    main()
