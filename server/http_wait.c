/* Requests whose answer is not there yet: their connections sleep, and are woken. */
#include "server/http_inside.h"

/* A connection that is suspended in the very call that follows its last bytes is read from when it resumes, and where a
 * half-closed client's end is found there, the answer is lost. So it is suspended in the next call, if there is one. */
static bool may_suspend(const struct visit *visit)
{
    const struct http *http = visit->http;
    return visit->exchange.errand ||
           (http->is_suspending && (visit->has_waited || !http->is_called_again));
}

void visit_wait(struct visit *visit)
{
    struct http *http = visit->http;
    struct exchange *exchange = &visit->exchange;
    visit->link->deadline.waiting_ns = &exchange->job.deadline_ns;
    deadline_enter(&http->deadlines, &visit->link->deadline, DEADLINE_WAIT, 0);
    if (exchange->errand && !visit->is_suspended) {
        visit->next = http->errands;
        http->errands = visit;
    }
    if (exchange->step == EXCHANGE_WAITING && !visit->is_suspended && may_suspend(visit)) {
        visit->is_suspended = true;
        MHD_suspend_connection(visit->connection);
    }
    visit->has_waited = true;
}

void visit_resume_errands(struct http *http)
{
    for (struct visit **link = &http->errands; *link;) {
        struct visit *visit = *link;
        if (!visit->exchange.errand->is_done) {
            link = &visit->next;
            continue;
        }
        *link = visit->next;
        visit->is_suspended = false;
        MHD_resume_connection(visit->connection);
    }
}

void visit_on_done(struct turn_job *job)
{
    struct visit *visit = job->owner;
    if (visit->is_suspended) {
        visit->is_suspended = false;
        MHD_resume_connection(visit->connection);
    }
}
