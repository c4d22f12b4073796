"""More than a password: codes of a telephone, passkeys, another sign-in service, and codes on paper."""
