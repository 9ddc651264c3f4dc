#include "server/batch/long_work.h"

#include "server/base/clock.h"
#include "server/base/fiber.h"
#include "server/batch/request.h"

/* Length of a turn's slice: while short requests arrive, and otherwise. */
enum { HURRIED_NS = 100000, SLICE_NS = 2000000 };

void long_work_begin_turn(struct long_work *work)
{
    work->slice_end_ns = 0;
}

void long_work_reset(struct long_work *work)
{
    fiber_free(work->fiber);
    work->fiber = NULL;
}

static void join(struct long_work *work, struct request *request)
{
    if (!request->is_in_line)
        list_append(&work->line, request);
    request->is_in_line = true;
}

static void leave_line(struct long_work *work, struct request *request)
{
    if (request->is_in_line)
        list_remove(&work->line, request);
    request->is_in_line = false;
}

static void call(void *user)
{
    struct request *request = user;
    request->long_function(request);
}

/* Begins or continues the work; true when it is done. */
static bool step(struct long_work *work, struct request *request)
{
    work->is_inside = true;
    request->slice_ns = clock_ns();
    work->is_under_way = !fiber_run(work->fiber, call, request);
    work->is_inside = false;
    return !work->is_under_way;
}

static void run_whole(struct request *request, void (*function)(struct request *request))
{
    leave_line(&request->service->long_work, request);
    function(request);
}

/* True if the turn has time for this request now. */
static bool has_slice(struct long_work *work, const struct request *request, int64_t now_ns)
{
    if (work->line.first != request || (work->is_held_off && !work->is_under_way))
        return false;
    if (!work->slice_end_ns) {
        bool is_hurried = turn_has_short(&request->service->turn, now_ns);
        int64_t slice_ns = is_hurried ? HURRIED_NS : SLICE_NS;
        work->slice_end_ns = now_ns + (work->slice_ns ? work->slice_ns : slice_ns);
    }
    return now_ns < work->slice_end_ns;
}

bool long_work_run(struct request *request, void (*function)(struct request *request))
{
    struct long_work *work = &request->service->long_work;
    if (work->is_whole || (!work->fiber && !(work->fiber = fiber_new()))) {
        run_whole(request, function);
        return true;
    }
    join(work, request);
    int64_t begin_ns = clock_ns();
    if (!has_slice(work, request, begin_ns))
        return false;
    if (!work->is_under_way) {
        work->is_ended = false;
        request->long_function = function;
    }
    bool is_done = step(work, request);
    request->long_ns += clock_ns() - begin_ns;
    if (is_done)
        leave_line(work, request);
    return is_done;
}

bool long_work_go_on(struct request *request)
{
    struct long_work *work = &request->service->long_work;
    if (!work->is_inside)
        return true;
    int64_t now_ns = clock_ns();
    work->is_ended |= request_is_late(request, now_ns);
    if (now_ns >= work->slice_end_ns && !work->is_ended) {
        fiber_pause(work->fiber);
        work->is_ended |= request_is_late(request, clock_ns());
    }
    return !work->is_ended;
}

static bool go_on(void *user)
{
    return long_work_go_on(user);
}

struct relud_watch long_work_watch(struct request *request)
{
    return (struct relud_watch){.go_on = go_on, .user = request};
}

bool long_work_is_inside(const struct request *request)
{
    return request->service->long_work.is_inside;
}

int64_t long_work_spent_ns(const struct request *request, int64_t begin_ns)
{
    int64_t now_ns = clock_ns();
    return long_work_is_inside(request) ? request->long_ns + now_ns - request->slice_ns
                                        : now_ns - begin_ns;
}

void long_work_leave(struct request *request)
{
    struct long_work *work = &request->service->long_work;
    if (work->is_under_way && work->line.first == request) {
        work->is_ended = true;
        while (!step(work, request))
            ;
    }
    leave_line(work, request);
}
