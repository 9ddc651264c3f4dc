/* Requests that wait for their response: their connections are suspended and resumed. */
#include "server/http/http_private.h"

/* A connection suspended in the very call that follows its last bytes is read from when it resumes.
 * If the end of a half-closed client is found then, the response is lost. So it is suspended in the
 * next call, if there is one. */
static bool may_suspend(const struct http_request *http_request)
{
    const struct http *http = http_request->http;
    return http_request->request.load_job ||
           (http->is_suspending && (http_request->has_waited || !http->is_called_again));
}

void http_request_wait(struct http_request *http_request)
{
    struct http *http = http_request->http;
    struct request *request = &http_request->request;
    enum request_state state = http_request_state(http_request);
    http_request->link->deadline.waiting_ns = &request->job.deadline_ns;
    if (state == REQUEST_LOADING_MODEL && !http_request->is_suspended) {
        http_request->next = http->loading;
        http->loading = http_request;
    }
    bool may_sleep = state == REQUEST_IN_BATCH || state == REQUEST_LOADING_MODEL;
    if (may_sleep && !http_request->is_suspended && may_suspend(http_request)) {
        http_request->is_suspended = true;
        MHD_suspend_connection(http_request->connection);
    }
    http_request->has_waited = true;
}

void http_request_resume_loaded(struct http *http)
{
    for (struct http_request **link = &http->loading; *link;) {
        struct http_request *http_request = *link;
        if (!http_request->request.load_job->is_done &&
            http_request->request.job.deadline_ns != TURN_GONE) {
            link = &http_request->next;
            continue;
        }
        *link = http_request->next;
        http_request->is_suspended = false;
        MHD_resume_connection(http_request->connection);
    }
}

void http_request_on_done(struct turn_job *job)
{
    struct http_request *http_request = job->owner;
    if (http_request->is_suspended) {
        http_request->is_suspended = false;
        MHD_resume_connection(http_request->connection);
    }
}
