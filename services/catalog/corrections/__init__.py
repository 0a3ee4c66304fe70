"""A correction (retting): the steps from a non-conformity to its end. The holder makes a corrective action plan with
days, the certification body approves it or returns it, the holder shows that it is done, and somebody else than whoever
opened the non-conformity closes it."""
