"""The health of targets: counted each minute, published as metrics, watched by one alarm a route."""
