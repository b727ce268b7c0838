"""The health of targets: counted each minute, published as metrics, and watched by one alarm per route."""
