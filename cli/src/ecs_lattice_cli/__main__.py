"""`python -m ecs_lattice_cli`."""

from ecs_lattice_cli.main import main

if __name__ == "__main__":
    main()
