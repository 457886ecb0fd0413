/* SLO, bounds: the steps of objectives, and what samples can show of a share. */
#include <math.h>

#include "slo-internal.h"
#include "tracepager/limits.h"
#include "tracepager/xalloc.h"

#define MS(n) ((n)*US_PER_MS)

/* The buckets that OpenTelemetry advises ("Semantic conventions for HTTP metrics"). */
const int64_t slo_latency_steps[] = { MS(5),	MS(10),	  MS(25),   MS(50),   MS(75),
				      MS(100),	MS(250),  MS(500),  MS(750),  MS(1000),
				      MS(2500), MS(5000), MS(7500), MS(10000) };
const size_t slo_nlatency_steps = ARRAY_LEN(slo_latency_steps);

const double slo_availability_steps[] = { 0.99, 0.995, 0.999, 0.9995, 0.9999 };
const size_t slo_navailability_steps = ARRAY_LEN(slo_availability_steps);

/* The 95th percentile of the normal distribution: 95 of 100 bounds hold, one-sided. */
#define WILSON_Z 1.6448536269514722
/* -ln 0.05: in n calls without a bad one, at most 3 in n are bad, with a confidence of 95 %. */
#define RULE_OF_THREE 3.0

double slo_lower_bound(uint32_t n, uint32_t good)
{
	if (n == 0)
		return 0;
	const double z2 = WILSON_Z * WILSON_Z, share = (double)good / n;
	const double centre = share + z2 / (2.0 * n);
	const double spread = WILSON_Z * sqrt(share * (1 - share) / n + z2 / (4.0 * n * n));
	const double bound = fmax(0, (centre - spread) / (1 + z2 / n));

	return good < n ? bound : fmax(0, fmin(bound, 1 - RULE_OF_THREE / n));
}

uint32_t slo_least_samples(double share)
{
	/* The rule of three asks for more than Wilson's bound does. */
	return (uint32_t)ceil(RULE_OF_THREE / (1 - share) - 1e-6);
}
