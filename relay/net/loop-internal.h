/* What every libevent callback of this room must tell the loop. */
#ifndef TRACEPAGER_NET_LOOP_INTERNAL_H
#define TRACEPAGER_NET_LOOP_INTERNAL_H

/* Called first by every libevent callback of this room: begins the turn unless it has begun.
 * libevent 2.1 cannot tell when epoll returned (evwatch comes with 2.2). Does nothing where no loop
 * runs. */
void loop_woke(void);

#endif
