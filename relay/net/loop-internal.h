/* What the rooms' callbacks owe the loop. */
#ifndef TRACEPAGER_NET_LOOP_INTERNAL_H
#define TRACEPAGER_NET_LOOP_INTERNAL_H

/* First line of every callback that libevent makes into this room: the turn begins here, if it has
 * not begun. libevent 2.1 cannot tell when epoll returned (evwatch comes with 2.2). Does nothing
 * where no loop runs. */
void loop_woke(void);

#endif
