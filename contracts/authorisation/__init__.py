"""Who may do what: every operation, asked with every credential, for everybody's things."""
