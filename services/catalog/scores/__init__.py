"""The quality (kvalitet) of what stands about a component: a score of 100 with every deduction explained, so that its
owner knows what to mend. It says nothing about the software."""
