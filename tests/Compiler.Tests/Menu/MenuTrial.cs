using Lorq.Calibration;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Refinement;
using Lorq.Rewriting;
using Lorq.Specs;
using Lorq.Tests.Calibration;
using Lorq.Tests.Models;
using Lorq.Tests.Quantization;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Menu;

/// <summary>A small model with data, up to its menus, and the stages that follow.</summary>
internal sealed class MenuTrial : IDisposable
{
    /// <summary>Rows of a sample.</summary>
    public const int Rows = 8;

    private readonly TemporaryFolder folder = new();
    private readonly Lazy<ProbeSession> session;

    /// <summary>Builds the menus.</summary>
    /// <param name="model">Its input is <c>x</c>, [samples, 8, width].</param>
    /// <param name="width">Width of the input.</param>
    /// <param name="spec">The specification; its data is replaced.</param>
    /// <param name="samples">How many samples; 0 for none.</param>
    public MenuTrial(SmallModel model, int width, CompressionSpec spec, int samples = 32)
    {
        ModelPath = folder.Write(model.Proto);
        Spec = spec;
        if (samples > 0)
        {
            float[] values = Synthetic.Inputs(samples * Rows, width, 5);
            string data = Npy.Zip(folder.File("x.npz"), ("x.npy", Npy.Floats(values, samples, Rows, width)));
            Spec = spec with { Calibration = spec.Calibration with { Data = [data] } };
        }
        var clock = new StageClock(null);
        Subject = Subject.Open(ModelPath, Spec, null, clock, default);
        Profile = Profile.Build(Subject, Spec, clock, default);
        Planner = new Planner(Subject.Model, Profile.Emission, Profile.Menus, Profile.Groups);
        Materializer = new Materializer(Profile.Calibration?.Result, 0, Subject.Cache);
        Maker = new DecisionMaker(Planner, Materializer, Profile.Menus);
        session = new(() => new ProbeSession(Subject.Model, Subject.Table.Sites, default));
    }

    public string ModelPath { get; }

    public CompressionSpec Spec { get; }

    public Subject Subject { get; }

    public Profile Profile { get; }

    public Planner Planner { get; }

    public Materializer Materializer { get; }

    public DecisionMaker Maker { get; }

    public IReadOnlyList<SiteMenu> Menus => Profile.Menus;

    public CalibrationRun Calibration => Profile.Calibration!;

    /// <summary>Measures on the samples kept aside.</summary>
    public EndToEnd Probe => new(session.Value, Calibration.HeldOut, Calibration.Mask, 0, Subject.Cache);

    public Refiner Refiner(long memoryCap = 1 << 28, int threads = 0) => new(Subject.Model, Calibration, memoryCap, threads, Subject.Cache);

    /// <summary>Measures from the file.</summary>
    /// <param name="emission">Who writes it; null for the spec's target.</param>
    public WrittenTrial Written(IEmission? emission = null) =>
        new(Subject.Model, emission ?? Profile.Emission, Calibration, folder.File("trial.onnx"), new SaveOptions(ExternalDataMode.Auto), 0);

    /// <summary>The first candidate of every menu that is wanted.</summary>
    public Plan Pick(Func<Candidate, bool> isWanted) =>
        new(Menus, [.. Menus.Select(m => Enumerable.Range(0, m.Candidates.Count).First(i => isWanted(m.Candidates[i])))]);

    public IReadOnlyList<CompressedWeight> Make(Plan plan) => Materializer.Materialize(plan, null, default);

    /// <summary>Matrices w0, w1, … one after the other, the given operator in between.</summary>
    /// <param name="widths">Widths from the input on.</param>
    /// <param name="rank">Rank of the matrices' clear part; 0 for plain random ones.</param>
    /// <param name="between">An operator of one input; empty for none.</param>
    /// <param name="seed">Of the weights.</param>
    public static SmallModel Chain(int[] widths, int rank = 0, string between = "Relu", int seed = 1)
    {
        SmallModel model = new SmallModel(17).Input("x", DataType.Float, -1, Rows, widths[0]);
        string last = "x";
        for (int i = 0; i + 1 < widths.Length; i++)
        {
            model.Floats($"w{i}", [widths[i], widths[i + 1]], Weight(widths[i], widths[i + 1], rank, seed + 10 * i));
            model.Node("MatMul", $"{last},w{i}", $"y{i}");
            last = $"y{i}";
            if (between.Length > 0 && i + 2 < widths.Length)
            {
                model.Node(between, last, $"r{i}");
                last = $"r{i}";
            }
        }
        return model.Output(last);
    }

    /// <summary>A matrix whose first singular values stand out.</summary>
    public static float[] Weight(int k, int n, int rank, int seed)
    {
        float[] weight = Synthetic.Weights(k, n, seed);
        float[] left = Synthetic.Gaussian(k * Math.Max(1, rank), seed + 2, 1 / MathF.Sqrt(k));
        float[] right = Synthetic.Gaussian(n * Math.Max(1, rank), seed + 3);
        for (int r = 0; r < rank; r++)
        {
            for (int i = 0; i < weight.Length; i++)
            {
                weight[i] += 0.7f * left[i / n * rank + r] * right[i % n * rank + r];
            }
        }
        return weight;
    }

    public void Dispose()
    {
        if (session.IsValueCreated)
        {
            session.Value.Dispose();
        }
        Subject.Dispose();
        folder.Dispose();
    }
}
