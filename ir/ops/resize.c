/* Resize, and Upsample as its older name: checks and output sizes. resize_define.c samples.
 *
 * Scales are kept as fractions, so that coordinates are exact integers divided by integers: with
 * `sizes` out / in, with `scales` the simplest fraction that rounds to the given f32. */
#include "ir/ops/resize.h"

static const AttrDesc resize_attrs[] = {RESIZE_ATTRS(ATTR_DESC, ResizeAttrs){0}};

static const char *const mode_name[] = {"nearest", "linear", "cubic"};
static const char *const round_name[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                         "ceil", "floor_or_ceil"};
static const char *const coord_name[] = {
    "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric",
    "tf_crop_and_resize", "tf_half_pixel_for_nn",
};
static const char *const policy_name[] = {"stretch", "not_larger", "not_smaller"};

static Status find_word(const Node *n, const char *attr, const char *word, size_t count,
                        const char *const *words, int *out)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = (int)i;
            return MLC_OK;
        }
    return node_error(n, E0203, "attribute '%s' is '%s'", attr, word);
}

/* Input i as doubles, one per entry of axes; false when it is not known. */
static bool known_floats(Graph *g, const Node *n, int i, int max, double *out, int *count)
{
    *count = 0;
    if (!node_has(n, i))
        return true;
    const Ex *at = value_content(g, n->in[i], count);
    if (!at || *count > max)
        return false;
    for (int k = 0; k < *count; k++)
        if (!ex_is_float(at[k], &out[k]))
            return false;
    return true;
}

/* The dimensions that scales and sizes speak of, in their order. */
static Status listed_dims(const Node *n, int rank, int *dim, int *count)
{
    const ResizeAttrs *a = n->attrs;
    bool on[MAX_RANK];
    *count = a->axes.n ? a->axes.n : rank;
    if (a->axes.n)
        TRY(node_axes(n, rank, a->axes.n, a->axes.at, on));
    for (int i = 0; i < *count; i++)
        dim[i] = !a->axes.n ? i : (int)(a->axes.at[i] < 0 ? a->axes.at[i] + rank : a->axes.at[i]);
    return MLC_OK;
}

static Status plan_scales(Graph *g, const Node *n, int count, const int *dim, const double *scale,
                          ResizePlan *plan)
{
    ExPool *p = g->pool;
    const Type *x = &n->in[0]->type;
    for (int i = 0; i < count; i++) {
        int d = dim[i];
        int64_t num, den, in;
        if (!(scale[i] > RESIZE_LEAST_SCALE && scale[i] < RESIZE_MOST_SCALE))
            return node_error(n, E0301, "scale %g of dimension %d", scale[i], d);
        resize_rational(scale[i], &num, &den);
        plan->scale[d] = (Ratio){ex_int(p, num), ex_int(p, den)};
        if (ex_is_int(x->dim[d], &in) && in < INT32_MAX)
            plan->out[d] = ex_int(p, (int64_t)__builtin_floorf((float)in * (float)scale[i]));
        else
            plan->out[d] = ex_floor_div(p, ex_mul(p, x->dim[d], plan->scale[d].num),
                                        plan->scale[d].den);
    }
    return MLC_OK;
}

/* not_larger, not_smaller: the least or largest of the scales for all, sizes rounded half up. */
static Status keep_aspect(Graph *g, const Node *n, int count, const int *dim, bool least,
                          ResizePlan *plan)
{
    ExPool *p = g->pool;
    const Type *x = &n->in[0]->type;
    Ex num = NULL, den = NULL, two = ex_int(p, 2);
    for (int i = 0; i < count; i++) {
        Ex in = x->dim[dim[i]], out = plan->out[dim[i]];
        int64_t v;
        if (ex_is_int(in, &v) && (v < 1 || v > MAX_ATTR_SIZE / 4))
            return node_error(n, E0301, "a dimension of %lld", (long long)v);
        if (ex_is_int(out, &v) && v > MAX_ATTR_SIZE / 4)
            return node_error(n, E0301, "a size of %lld", (long long)v);
        Ex here = ex_mul(p, out, i ? den : in), best = ex_mul(p, i ? num : out, in);
        Ex better = ex_bool(p, i == 0);
        if (i)
            better = least ? ex_lt(p, here, best) : ex_lt(p, best, here);
        num = i ? ex_select(p, better, out, num) : out;
        den = i ? ex_select(p, better, in, den) : in;
    }
    for (int i = 0; i < count; i++) {
        Ex twice = ex_mul(p, two, ex_mul(p, num, x->dim[dim[i]]));
        plan->scale[dim[i]] = (Ratio){ex_max(p, num, ex_int(p, 1)), den};
        plan->out[dim[i]] = ex_floor_div(p, ex_add(p, twice, den), ex_mul(p, two, den));
    }
    return MLC_OK;
}

static Status plan_sizes(Graph *g, const Node *n, int count, const int *dim, ResizePlan *plan)
{
    const ResizeAttrs *a = n->attrs;
    const Type *x = &n->in[0]->type;
    const Ex *size;
    int given, policy = 0;
    int64_t v;
    TRY(find_word(n, "keep_aspect_ratio_policy", a->keep_aspect_ratio_policy,
                  COUNT_OF(policy_name), policy_name, &policy));
    TRY(node_known_ints(g, n, 3, MAX_RANK, &size, &given));
    if (given != count)
        return node_error(n, E0301, "%d sizes are given for %d dimensions", given, count);
    for (int i = 0; i < count; i++) {
        if (ex_is_int(size[i], &v) && (v < 0 || v > MAX_ATTR_SIZE))
            return node_error(n, E0301, "sizes[%d] is %lld", i, (long long)v);
        if (ex_is(x->dim[dim[i]], 0))
            return node_error(n, E0301, "dimension %d is empty", dim[i]);
        plan->out[dim[i]] = size[i];
        if (!ex_is(size[i], 0))
            plan->scale[dim[i]] = (Ratio){size[i], x->dim[dim[i]]};
    }
    return policy ? keep_aspect(g, n, count, dim, policy == 1, plan) : MLC_OK;
}

static Status plan_words(const Node *n, ResizePlan *plan)
{
    const ResizeAttrs *a = n->attrs;
    int mode = 0, round = 0, coord = 0;
    TRY(find_word(n, "mode", a->mode, RESIZE_MODES, mode_name, &mode));
    TRY(find_word(n, "nearest_mode", a->nearest_mode, RESIZE_ROUNDS, round_name, &round));
    TRY(find_word(n, "coordinate_transformation_mode", a->coordinate_transformation_mode,
                  RESIZE_COORDS, coord_name, &coord));
    plan->mode = (ResizeMode)mode;
    plan->round = (ResizeRound)round;
    plan->coord = (ResizeCoord)coord;
    return MLC_OK;
}

static Status plan_roi(Graph *g, const Node *n, int count, const int *dim, ResizePlan *plan)
{
    double roi[2 * MAX_RANK];
    int given;
    if (plan->coord != COORD_TF_CROP)
        return MLC_OK;
    TRY(node_need_rank(n, 1, 1, 1));
    if (!known_floats(g, n, 1, 2 * MAX_RANK, roi, &given)) {
        plan->run_roi = true;
        return node_need_equal(n, n->in[1]->type.dim[0], ex_int(g->pool, 2 * count),
                               "numbers of the region");
    }
    if (given != 2 * count)
        return node_error(n, E0301, "the region has %d numbers for %d dimensions", given, count);
    for (int i = 0; i < 2 * count; i++) {
        if (!(roi[i] > -100 && roi[i] < 100))
            return node_error(n, E0301, "the region has a bound of %g", roi[i]);
        plan->roi[dim[i % count]][i / count] = roi[i];
    }
    return MLC_OK;
}

/* Scales that the run finds out, one per listed dimension: so are the sizes. */
static Status plan_run_scales(Graph *g, const Node *n, ResizePlan *plan)
{
    int64_t given;
    TRY(node_need_rank(n, 2, 1, 1));
    if (ex_is_int(n->in[2]->type.dim[0], &given) && given != plan->count)
        return node_error(n, E0301, "%lld scales are given for %d dimensions", (long long)given,
                          plan->count);
    plan->run_scales = true;
    for (int i = 0; i < plan->count; i++)
        plan->out[plan->listed[i]] = assigned_dim(g, n->out[0], plan->listed[i]);
    return MLC_OK;
}

static Status plan_listed(Graph *g, const Node *n, ResizePlan *plan)
{
    int nscales, count = plan->count;
    double scale[MAX_RANK];
    bool known = known_floats(g, n, 2, MAX_RANK, scale, &nscales);
    if (!known && ex_is(n->in[2]->type.dim[0], 0))
        known = true;
    if (!known)
        return plan_run_scales(g, n, plan);
    if (nscales == 0 && !node_has(n, 3))
        return node_error(n, E0202, "neither scales nor sizes are given");
    if (nscales && nscales != count)
        return node_error(n, E0301, "%d scales are given for %d dimensions", nscales, count);
    return nscales ? plan_scales(g, n, count, plan->listed, scale, plan)
                   : plan_sizes(g, n, count, plan->listed, plan);
}

Status resize_plan(Graph *g, const Node *n, ResizePlan *plan)
{
    ExPool *p = g->pool;
    const Type *x = &n->in[0]->type;
    plan->run_scales = plan->run_roi = false;
    TRY(plan_words(n, plan));
    TRY(listed_dims(n, x->rank, plan->listed, &plan->count));
    for (int i = 0; i < x->rank; i++) {
        plan->out[i] = x->dim[i];
        plan->scale[i] = (Ratio){ex_int(p, 1), ex_int(p, 1)};
        plan->roi[i][0] = 0;
        plan->roi[i][1] = 1;
    }
    if (node_has(n, 2))
        TRY(node_need_rank(n, 2, 1, 1));
    TRY(plan_listed(g, n, plan));
    TRY(plan_roi(g, n, plan->count, plan->listed, plan));
    for (int i = 0; i < x->rank; i++)
        plan->same[i] = plan->out[i] == x->dim[i] && plan->scale[i].num == plan->scale[i].den &&
                        plan->roi[i][0] == 0 && plan->roi[i][1] == 1;
    for (int i = 0; i < plan->count; i++)
        if (plan->run_scales || plan->run_roi)
            plan->same[plan->listed[i]] = false;
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    ResizePlan plan;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(resize_plan(g, n, &plan));
    Type out = n->in[0]->type;
    memcpy(out.dim, plan.out, (size_t)out.rank * sizeof(Ex));
    node_set_type(n, 0, out);
    return MLC_OK;
}

/* Version 10: inputs x and scales, coordinates asymmetric; nearest is below when growing, above
 * when shrinking. */
static Status upgrade(RawNode *raw)
{
    if (raw->version >= 11)
        return MLC_OK;
    if (raw->in.len == 2) {
        vec_push(raw->graph->arena, &raw->in, raw->in.at[1]);
        raw->in.at[1] = NULL;
    }
    raw_set_str(raw, "coordinate_transformation_mode", "asymmetric");
    raw_set_str(raw, "nearest_mode", "floor_or_ceil");
    return MLC_OK;
}

OP(resize) = {
    .name = "Resize", .since = {10, 11, 13, 18, 19}, .min_in = 1, .max_in = 4,
    .later = {{"coordinate_transformation_mode=half_pixel_symmetric", 19}},
    .attrs = resize_attrs, .attrs_size = sizeof(ResizeAttrs), .upgrade = upgrade, .infer = infer,
    .define = resize_define, .doc = "interpolates along some dimensions",
};

/* Version 1: two factors, for the last dimensions of four. */
static void scales_of_version_1(RawNode *raw)
{
    const RawAttr *h = raw_attr(raw, "height_scale"), *w = raw_attr(raw, "width_scale");
    if (!h || !w || h->kind != ATTR_float || w->kind != ATTR_float)
        return; /* the attribute table refuses them */
    float *scale = NEW_ARRAY(raw->graph->arena, float, 4);
    scale[0] = scale[1] = 1;
    scale[2] = h->f;
    scale[3] = w->f;
    vec_push(raw->graph->arena, &raw->attrs,
             (RawAttr){.name = "scales", .kind = ATTR_floats, .floats = {true, 4, scale}});
    raw_drop(raw, "height_scale");
    raw_drop(raw, "width_scale");
}

/* Upsample is always rewritten: its newest version is beyond all. */
static Status upgrade_upsample(RawNode *raw)
{
    if (raw->version < 7)
        scales_of_version_1(raw);
    raw_attr_to_input(raw, "scales", 1, ELEM_F32);
    RawAttr *mode = raw_attr(raw, "mode");
    if (mode && mode->kind == ATTR_str &&
        (strcmp(mode->s, "bilinear") == 0 || strcmp(mode->s, "trilinear") == 0))
        mode->s = "linear";
    raw->version = 10;
    TRY(upgrade(raw));
    raw->op = "Resize";
    raw->version = 19;
    return MLC_OK;
}

static Status infer_upsample(Graph *g, Node *n)
{
    (void)g;
    return node_error(n, E0201, "Upsample was replaced by Resize");
}

OP(upsample) = {
    .name = "Upsample", .since = {1, 7, 9, 10, SINCE_REPLACED}, .min_in = 1, .max_in = 2,
    .upgrade = upgrade_upsample, .infer = infer_upsample, .define = resize_define,
    .doc = "the older name of Resize",
};
