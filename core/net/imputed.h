/* Which features a net imputes: where a NaN in a row never reaches its arithmetic. */
#ifndef CORE_NET_IMPUTED_H
#define CORE_NET_IMPUTED_H

#include "core/net/network.h"

/* Sets imputed[features] true for each feature whose NaN the net replaces by a constant at every
 * place where it reads the feature: by where(x == x, x, constant), or the same with "not". It must
 * read it at least once. *is_any tells whether one is true. False: out of memory. */
bool network_imputed(const struct network *network, bool *imputed, bool *is_any);

#endif
