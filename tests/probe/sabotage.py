"""Takes one protection out of the job layer, to show that the chaos tests would notice its absence.

TERRAFUSION_SABOTAGE names it, in the environment of the worker processes.
"""

from terrafusion.jobs import finish
from terrafusion.jobs.models import Job
from terrafusion.jobs.workers import supervisor


def without_rescue():
    """Rows of dead workers stay as they are."""
    supervisor.Supervisor._rescue = lambda self, rows, members: None


def without_fence():
    """Any attempt may end the job, whoever has it now."""
    finish._mine = lambda job: Job.objects.filter(pk=job.pk)


def without_cancel_deadline():
    """A running job that does not heed its cancel goes on."""
    supervisor.CANCEL_SECONDS = 10**6


def apply(name):
    {"rescue": without_rescue, "fence": without_fence, "cancel_deadline": without_cancel_deadline}[name]()
