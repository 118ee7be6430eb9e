"""HTTP: routes, limits, health. All else is in the intake."""
