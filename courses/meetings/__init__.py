"""Meeting points: sittings and their points, the host's roll call, codes that change, and the organiser's board."""
