"""Work to be done after the commit: mail and jobs are rows, written in the transaction that wants them."""
