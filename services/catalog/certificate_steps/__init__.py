"""What is done with a certificate after it was granted: it is suspended, restored, withdrawn (suspendere, gjenopprette,
trekke tilbake), given up by its holder (si fra seg), carried over to a minor version, reduced, or superseded. Each adds
an event."""
