/* What the source and the encoding of Elasticsearch and OpenSearch agree upon. */
#ifndef TRACEPAGER_FETCH_ELASTIC_INTERNAL_H
#define TRACEPAGER_FETCH_ELASTIC_INTERNAL_H

/* Hits of one page: a server takes 10,000 by default; half of it is some 15 MiB. A page with less
 * is the last. */
#define ELASTIC_PAGE_HITS 5000u

#endif
