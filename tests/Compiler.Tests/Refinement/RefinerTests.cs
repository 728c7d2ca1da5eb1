using Lorq.Calibration;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Refinement;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Menu;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Refinement;

public sealed class RefinerTests
{
    private const int Width = 48;

    /// <summary>(share, damping) of the step towards the least-squares answer, as the documentation names them.</summary>
    /// <summary>Damping of the least-squares answer.</summary>
    private const double Damping = 0.03;

    /// <summary>
    /// y = (x·A)·B with A at two bits: B's rounded weight is the closed form W + α(H̃ + λI)⁻¹E[x̃ᵀ(x − x̃)]W, computed here in fp64 by elimination,
    /// for the α and λ that lose least on the samples kept aside.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_linear_network_of_two_layers_is_refitted_by_the_closed_form(int seed)
    {
        using var trial = new MenuTrial(MenuTrial.Chain([Width, 40, 36], between: "", seed: seed), Width, Spec("rtn", 2, 8), samples: 64);
        Plan plan = trial.Pick(c => c.Grid is { Bits: 8, Symmetric: false });
        plan = plan with { Chosen = [Index(trial.Menus[0], 2), plan.Chosen[1]] };
        IReadOnlyList<CompressedWeight> independent = trial.Make(plan);
        CompressedWeight[] refined = [.. trial.Refiner().Refine(plan, independent, null, default)];
        // Nothing comes before the first.
        Assert.Same(independent[0], refined[0]);

        float[] first = trial.Menus[0].Site.ReadWeight();
        float[] second = trial.Menus[1].Site.ReadWeight();
        float[] rounded = Materializer.Dequantize(independent[0]);
        double[] Exact(DataSet data) => Product(Inputs(data), Width, first, 40);
        double[] Compressed(DataSet data) => Product(Inputs(data), Width, rounded, 40);
        (double[] x, double[] shifted) = (Exact(trial.Calibration.Data), Compressed(trial.Calibration.Data));
        (double[] judge, double[] judgeShifted) = (Exact(trial.Calibration.HeldOut), Compressed(trial.Calibration.HeldOut));
        float[] actual = Materializer.Dequantize(refined[1]);
        // How far towards the answer is best on the samples kept aside, by trying.
        double[] shares = [.. Enumerable.Range(0, 201).Select(i => i / 200.0)];
        double[][] candidates = [.. shares.Select(share => ClosedForm(x, shifted, second, 40, 36, share, Damping))];
        double[] losses = [.. candidates.Select(c => OutputError(judgeShifted, judge, [.. c.Select(v => (float)v)], second, 40, 36))];
        int best = Array.IndexOf(losses, losses.Min());
        Assert.True(losses[0] > 1.05 * losses[best], "The case is too easy: doing nothing is as good.");
        // 8 bits in blocks of 32: half a step of the block's range, and half a step of the shares tried.
        double half = 0.5 * refined[1].Segments[0].Scales.Max() * 1.02;
        double between = candidates[0].Zip(candidates[^1], (a, b) => Math.Abs(a - b)).Max() / 400;
        double distance = candidates[best].Zip(actual, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(distance <= half + between, $"{distance} against {half} and {between}");
        // Another share would not do: the weight as it was is further away than rounding explains.
        Assert.True(candidates[0].Zip(actual, (a, b) => Math.Abs(a - b)).Max() > half + between);
    }

    /// <summary>The weight as it is takes part in the choice, so on the samples that choose, no site gets worse.</summary>
    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    [InlineData(8, 4)]
    public void On_the_samples_kept_aside_no_choice_is_worse_than_the_independent_weight(int bits, int seed)
    {
        using var trial = new MenuTrial(MenuTrial.Chain([Width, 40, 36], between: "", seed: seed), Width, Spec("gptq", bits), samples: 12);
        Plan plan = trial.Pick(c => c.Grid is { } && c.Grid.Bits == bits);
        IReadOnlyList<CompressedWeight> independent = trial.Make(plan);
        IReadOnlyList<CompressedWeight> refined = trial.Refiner().Refine(plan, independent, null, default);
        double[] input = Inputs(trial.Calibration.HeldOut);
        double[] x = Product(input, Width, trial.Menus[0].Site.ReadWeight(), 40);
        double[] shifted = Product(input, Width, Materializer.Dequantize(independent[0]), 40);
        float[] second = trial.Menus[1].Site.ReadWeight();
        double before = OutputError(shifted, x, Materializer.Dequantize(independent[1]), second, 40, 36);
        double after = OutputError(shifted, x, Materializer.Dequantize(refined[1]), second, 40, 36);
        Assert.True(after <= before * (1 + 1e-5), $"{after} after {before}");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_deep_network_of_few_bits_loses_less_at_its_outputs_for_no_bytes(int bits)
    {
        using var trial = new MenuTrial(MenuTrial.Chain([64, 64, 64, 64, 64], rank: 6), 64, Spec("gptq", bits), samples: 96);
        Plan plan = trial.Pick(c => c.Grid is { } && c.Grid.Bits == bits);
        IReadOnlyList<CompressedWeight> independent = trial.Make(plan);
        IReadOnlyList<CompressedWeight> refined = trial.Refiner().Refine(plan, independent, null, default);
        Assert.True(Loss(trial, refined) < 0.97 * Loss(trial, independent), $"{Loss(trial, refined)} after {Loss(trial, independent)}");
        for (int i = 0; i < refined.Count; i++)
        {
            Assert.Equal(independent[i].Segments[0].Grid, refined[i].Segments[0].Grid);
            Assert.Equal(independent[i].Factors?.Shape, refined[i].Factors?.Shape);
        }
    }

    [Fact]
    public void A_pair_is_refitted_too()
    {
        CompressionSpec spec = new()
        {
            Menu = new MenuSpec
            {
                Ranks = [8],
                Bits = [2],
                Blocks = [32],
                FactorBits = [8],
                Decompositions = ["exact"],
            },
        };
        using var trial = new MenuTrial(MenuTrial.Chain([64, 64, 64, 64]), 64, spec, samples: 96);
        Plan plan = trial.Pick(c => c.Grid is not null && c.Factors is not null);
        IReadOnlyList<CompressedWeight> independent = trial.Make(plan);
        IReadOnlyList<CompressedWeight> refined = trial.Refiner().Refine(plan, independent, null, default);
        Assert.True(Loss(trial, refined) < Loss(trial, independent));
        Assert.Contains(refined.Zip(independent), p => !p.First.Factors!.Left.Values.AsSpan().SequenceEqual(p.Second.Factors!.Left.Values));
    }

    /// <summary>Where activations wait, and how many threads there are, changes nothing.</summary>
    [Theory]
    [InlineData(long.MinValue, 0)]
    [InlineData(0, 0)]
    [InlineData(10_000, 1)]
    [InlineData(long.MaxValue, 3)]
    public void Memory_and_threads_change_no_code(long memoryCap, int threads)
    {
        using var trial = new MenuTrial(MenuTrial.Chain([64, 96, 64, 64], rank: 4), 64, Spec("gptq", 3));
        Plan plan = trial.Pick(c => c.Grid is { Bits: 3 });
        IReadOnlyList<CompressedWeight> independent = trial.Make(plan);
        IReadOnlyList<CompressedWeight> expected = trial.Refiner().Refine(plan, independent, null, default);
        IReadOnlyList<CompressedWeight> actual = trial.Refiner(memoryCap, threads).Refine(plan, independent, null, default);
        Assert.Contains(expected.Zip(independent), p => !ReferenceEquals(p.First, p.Second));
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].Segments[0].Codes, actual[i].Segments[0].Codes);
            Assert.Equal(expected[i].Segments[0].Scales, actual[i].Segments[0].Scales);
        }
    }

    /// <summary>A constant that nodes compute, a table looked up at fixed rows: their products are computed again wherever they are read.</summary>
    [Fact]
    public void A_site_that_meets_a_constant_of_the_graph_stays_as_it_is_and_the_others_are_refined()
    {
        SmallModel model = MenuTrial
            .Chain([64, 64, 64], rank: 4)
            .Weight("left", 8, 64)
            .Weight("right", 8, 64)
            .Floats("fixed", [64, 64], MenuTrial.Weight(64, 64, 3, 77))
            .Floats("after", [64, 64], MenuTrial.Weight(64, 64, 3, 78))
            .Weight("positions", 32, 64)
            .Int64s("rows", 0, 3, 1, 2, 9, 30, 31, 4)
            .Node("Add", "left,right", "constant")
            .Node("MatMul", "constant,fixed", "p")
            .Node("Gather", "positions,rows", "q")
            .Node("Add", "y1,p", "s")
            .Node("Add", "s,q", "t")
            .Node("MatMul", "t,after", "z")
            .Output("z");
        using var trial = new MenuTrial(model, 64, Spec("gptq", 3));
        Plan plan = trial.Pick(c => c.Grid is { Bits: 3 });
        var independent = trial.Make(plan).ToDictionary(w => w.Site.Name);
        var refined = trial.Refiner().Refine(plan, [.. independent.Values], null, default).ToDictionary(w => w.Site.Name);
        Assert.Same(independent["fixed"], refined["fixed"]);
        Assert.NotSame(independent["w1"], refined["w1"]);
        Assert.NotSame(independent["after"], refined["after"]);
        Assert.True(Loss(trial, [.. refined.Values]) < Loss(trial, [.. independent.Values]));
    }

    /// <summary>One table, looked up first and multiplied by at the end: the layers in between are refined, each before the next.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_table_tied_to_the_output_projection_stays_and_the_layers_between_are_refined(bool lookupLast)
    {
        SmallModel model = new SmallModel(17)
            .Input("x", DataType.Float, -1, MenuTrial.Rows, 64)
            .Floats("table", [96, 64], MenuTrial.Weight(96, 64, 4, 5))
            .Floats("up", [64, 96], MenuTrial.Weight(64, 96, 4, 6))
            .Floats("down", [96, 64], MenuTrial.Weight(96, 64, 4, 7))
            .Int64s("first", 1, 5, 9, 2, 0, 95, 33, 34)
            .Node("Transpose", "table", "tableT", Attributes.Ints("perm", 1, 0));
        if (!lookupLast)
        {
            // Rows that depend on the input: the lookup is no constant.
            model
                .Node("ArgMax", "x", "index", Attributes.Int("axis", -1), Attributes.Int("keepdims", 0))
                .Node("Gather", "table,index", "looked")
                .Node("Add", "x,looked", "e");
        }
        model
            .Node("MatMul", lookupLast ? "x,up" : "e,up", "u")
            .Node("Relu", "u", "r")
            .Node("MatMul", "r,down", "h")
            .Node("MatMul", "h,tableT", "scores")
            .Output("scores");
        if (lookupLast)
        {
            model
                .Node("ArgMax", "scores", "index", Attributes.Int("axis", -1), Attributes.Int("keepdims", 0))
                .Node("Gather", "table,index", "next")
                .Output("next");
        }
        using var trial = new MenuTrial(model, 64, Spec("gptq", 3));
        Assert.Equal(2, trial.Menus.Single(m => m.Site.Name == "table").Site.Uses.Count);
        Plan plan = trial.Pick(c => c.Grid is { Bits: 3 });
        var independent = trial.Make(plan).ToDictionary(w => w.Site.Name);
        var refined = trial.Refiner().Refine(plan, [.. independent.Values], null, default).ToDictionary(w => w.Site.Name);
        Assert.NotSame(independent["down"], refined["down"]);
        Assert.Equal(lookupLast, !ReferenceEquals(independent["table"], refined["table"]));
    }

    /// <summary>Inputs of every site, step by step with replaced weights, are those of a model that has these weights.</summary>
    [Fact]
    public void The_segments_advance_what_the_whole_compressed_model_computes()
    {
        int[] widths = [64, 96, 64, 48, 64];
        using var trial = new MenuTrial(MenuTrial.Chain(widths, rank: 4), 64, Spec("gptq", 2));
        IReadOnlyList<CompressedWeight> weights = trial.Make(trial.Pick(c => c.Grid is { Bits: 2 }));
        var values = weights.ToDictionary(w => w.Site, Materializer.Dequantize);
        SmallModel whole = MenuTrial.Chain(widths);
        whole.Proto.Graph.Initializer.Clear();
        foreach ((Site site, float[] value) in values)
        {
            whole.Floats(site.Name, [site.K, site.N], value);
        }
        using var folder = new Lorq.Tests.Models.TemporaryFolder();
        using OnnxModel compressed = whole.Load(folder.Path);
        (Site Site, MomentKey Key)[] keys = [.. weights.Select(w => (w.Site, Collector.Key(w.Site)!))];
        using var taps = new TappedModel(compressed, [.. keys.Select(k => k.Key.Tensor)], 1, default);
        var batch = trial.Calibration.Data.Batches[0];
        using TappedValues expected = taps.Run(batch, default);
        var known = new Dictionary<string, DataTensor>(batch);
        foreach (PrefixStep step in PrefixSchedule.Of(trial.Subject.Model, keys))
        {
            if (step.Segment.Nodes.Count > 0)
            {
                var types = step.Segment.Inputs.ToDictionary(i => i, i => SegmentModel.OfElements(known[i].ElementType));
                using var segment = new SegmentModel(trial.Subject.Model, step.Segment, types, values.Keys, 1, default);
                Assert.NotEmpty(segment.Sites);
                DataTensor[] outputs = segment.RunToTensors(
                    step.Segment.Inputs.Select(i => KeyValuePair.Create(i, known[i]))
                        .Concat(segment.Sites.SelectMany(s => segment.Replacement(s, values[s])))
                        .ToDictionary(),
                    default
                )!;
                for (int o = 0; o < outputs.Length; o++)
                {
                    known[step.Segment.Outputs[o]] = outputs[o];
                }
            }
            float[] reached = TappedValues.Floats(known[step.Key.Tensor]).ToArray();
            float[] right = expected.Floats(step.Key.Tensor, out _).ToArray();
            Assert.All(reached.Zip(right), p => Assert.Equal(p.Second, p.First, 1e-5f * Math.Max(1, Math.Abs(p.Second))));
        }
    }

    [Fact]
    public void Weights_that_are_kept_or_fp16_are_left_alone_and_an_empty_plan_is_no_work()
    {
        using var trial = new MenuTrial(MenuTrial.Chain([64, 64, 64], rank: 4), 64, Spec("gptq", 3));
        Plan kept = trial.Pick(c => c.Encoding is Encoding.Keep);
        Assert.Empty(trial.Refiner().Refine(kept, trial.Make(kept), null, default));
        Plan half = trial.Pick(c => c.Encoding is Encoding.Half);
        IReadOnlyList<CompressedWeight> weights = trial.Make(half);
        Assert.Equal(weights, trial.Refiner().Refine(half, weights, null, default));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Cancelling_stops_between_steps_and_leaves_the_weights_as_they_were(int after)
    {
        using var trial = new MenuTrial(MenuTrial.Chain([64, 64, 64, 64], rank: 4), 64, Spec("gptq", 3));
        Plan plan = trial.Pick(c => c.Grid is { Bits: 3 });
        IReadOnlyList<CompressedWeight> weights = trial.Make(plan);
        byte[][] before = [.. weights.Select(w => w.Segments[0].Codes.ToArray())];
        using var source = new CancellationTokenSource();
        int seen = 0;
        var progress = new Lorq.Tests.Compilations.Watching(_ =>
        {
            if (++seen == after)
            {
                source.Cancel();
            }
        });
        Assert.ThrowsAny<OperationCanceledException>(() => trial.Refiner(0).Refine(plan, weights, progress, source.Token));
        Assert.Equal(after, seen);
        Assert.Equal(before, weights.Select(w => w.Segments[0].Codes));
    }

    private static CompressionSpec Spec(string method, params int[] bits) =>
        new()
        {
            Menu = new MenuSpec
            {
                Methods = [method],
                Bits = bits,
                Blocks = [32],
                Ranks = [0],
            },
        };

    private static int Index(SiteMenu menu, int bits) =>
        Enumerable.Range(0, menu.Candidates.Count).First(i => menu.Candidates[i].Grid?.Bits == bits);

    private static double Loss(MenuTrial trial, IReadOnlyList<CompressedWeight> weights) => trial.Written().Loss(weights, default);

    private static double[] Inputs(DataSet data) =>
        [.. data.Batches.SelectMany(b => TappedValues.Floats(b["x"]).ToArray()).Select(v => (double)v)];

    private static double[] Product(double[] x, int k, float[] weight, int n)
    {
        int rows = x.Length / k;
        var y = new double[rows * n];
        for (int r = 0; r < rows; r++)
        {
            for (int i = 0; i < k; i++)
            {
                for (int c = 0; c < n; c++)
                {
                    y[r * n + c] += x[r * k + i] * weight[i * n + c];
                }
            }
        }
        return y;
    }

    /// <summary>E‖x̃Ŵ − xW‖².</summary>
    private static double OutputError(double[] shifted, double[] x, float[] replacement, float[] weight, int k, int n) =>
        Product(shifted, k, replacement, n).Zip(Product(x, k, weight, n), (a, b) => (a - b) * (a - b)).Sum() / (x.Length / k);

    /// <summary>W + share·(W* − W), W* = (H̃ + λI)⁻¹(C + λI)W with H̃ = E[x̃ᵀx̃], C = E[x̃ᵀx].</summary>
    private static double[] ClosedForm(double[] x, double[] shifted, float[] weight, int k, int n, double share, double damping)
    {
        int rows = x.Length / k;
        var left = new double[k, k];
        var cross = new double[k, k];
        for (int r = 0; r < rows; r++)
        {
            for (int i = 0; i < k; i++)
            {
                for (int j = 0; j < k; j++)
                {
                    left[i, j] += shifted[r * k + i] * shifted[r * k + j] / rows;
                    cross[i, j] += shifted[r * k + i] * x[r * k + j] / rows;
                }
            }
        }
        double lambda = damping * Enumerable.Range(0, k).Average(i => left[i, i]);
        var right = new double[k, n];
        for (int i = 0; i < k; i++)
        {
            left[i, i] += lambda;
            cross[i, i] += lambda;
            for (int c = 0; c < n; c++)
            {
                right[i, c] = Enumerable.Range(0, k).Sum(j => cross[i, j] * weight[j * n + c]);
            }
        }
        Eliminate(left, right, k, n);
        var moved = new double[k * n];
        for (int i = 0; i < moved.Length; i++)
        {
            moved[i] = weight[i] + share * (right[i / n, i % n] - weight[i]);
        }
        return moved;
    }

    /// <summary>Gauss–Jordan with pivots: the right side becomes the solution.</summary>
    private static void Eliminate(double[,] a, double[,] b, int k, int n)
    {
        for (int p = 0; p < k; p++)
        {
            int pivot = Enumerable.Range(p, k - p).MaxBy(r => Math.Abs(a[r, p]));
            for (int c = 0; c < k; c++)
            {
                (a[p, c], a[pivot, c]) = (a[pivot, c], a[p, c]);
            }
            for (int c = 0; c < n; c++)
            {
                (b[p, c], b[pivot, c]) = (b[pivot, c], b[p, c]);
            }
            for (int r = 0; r < k; r++)
            {
                double factor = a[r, p] / a[p, p];
                for (int c = 0; r != p && c < k; c++)
                {
                    a[r, c] -= factor * a[p, c];
                }
                for (int c = 0; r != p && c < n; c++)
                {
                    b[r, c] -= factor * b[p, c];
                }
            }
        }
        for (int r = 0; r < k; r++)
        {
            for (int c = 0; c < n; c++)
            {
                b[r, c] /= a[r, r];
            }
        }
    }
}
