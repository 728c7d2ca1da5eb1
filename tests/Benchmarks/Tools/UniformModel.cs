using Lorq.Benchmarks.Judges;
using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Benchmarks.Tools;

/// <summary>
/// Writes models with every site on one grid by one quantizer: no menu, no solver, nothing measured. What a plain quantizer makes of
/// the model, and the way to compare quantizers at exactly equal bytes.
/// </summary>
internal sealed class UniformModel : IDisposable
{
    private static readonly int[] bits = [2, 3, 4, 5, 6, 8];
    private static readonly int[] blocks = [32, 64, 128, 0];
    private static readonly IQuantizer clipSearch = Quantizers.All.Single(q => q.Name == "mse");

    private readonly OnnxModel model;
    private readonly IEmission emission;
    private readonly IReadOnlyList<Site> sites;
    private readonly Lazy<CalibrationResult> calibration;

    /// <summary>Opens a judge's model.</summary>
    /// <param name="judge">Whose model.</param>
    /// <param name="target">The emission.</param>
    /// <param name="cancellationToken">Stops calibration, which runs when a quantizer first asks for it.</param>
    public UniformModel(IJudge judge, string target, CancellationToken cancellationToken)
    {
        var spec = new CompressionSpec { Calibration = new CalibrationSpec { Data = [judge.CalibrationPath] } };
        model = OnnxModel.Load(judge.OriginalPath, cancellationToken);
        emission = Emissions.All.Single(e => e.Name == target);
        sites = SiteFinder.Find(model, spec).Sites;
        calibration = new Lazy<CalibrationResult>(() =>
            CalibrationRun
                .Start(
                    model,
                    sites,
                    CalibrationSamples.Load(model, spec, cancellationToken)!,
                    spec,
                    CacheProfile.None,
                    null,
                    cancellationToken
                )
                .Result
        );
    }

    /// <summary>The grids on which the file is at most this large, the largest file first.</summary>
    public IReadOnlyList<(QuantizationGrid Grid, long Bytes)> Fitting(long most) =>
        [
            .. bits.SelectMany(width =>
                    blocks.SelectMany(block => (QuantizationGrid[])[Grid(width, block, true), Grid(width, block, false)])
                )
                .Select(g => (Grid: g, Bytes: Measure(g)))
                .Where(g => g.Bytes <= most)
                .OrderByDescending(g => g.Bytes),
        ];

    /// <summary>Bytes of the file that <see cref="Write"/> would write on this grid, before anything is quantized.</summary>
    public long Measure(QuantizationGrid grid) =>
        model.MeasureBytes()
        + emission.PlanBytesDelta(
            model,
            [
                .. sites
                    .Where(s => Fits(s, grid))
                    .Select(s => (s, new WeightShape(new Encoding.Quantized(For(s, grid)), [(For(s, grid), s.N)]))),
            ]
        );

    /// <summary>Quantizes every site that the target can store on the grid, and writes the model.</summary>
    /// <returns>Bytes written.</returns>
    public long Write(QuantizationGrid grid, IQuantizer quantizer, string path, CancellationToken cancellationToken)
    {
        CalibrationResult? data = quantizer.Name == "rtn" ? null : calibration.Value;
        var weights = new CompressedWeight?[sites.Count];
        Parallel.For(
            0,
            sites.Count,
            new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount },
            i =>
            {
                if (Fits(sites[i], grid))
                {
                    QuantizationGrid own = For(sites[i], grid);
                    var weight = new WeightQuantizer(sites[i], data?.For(sites[i]));
                    // Without an input to calibrate on, the best there is.
                    IQuantizer usable = quantizer.NeedsCalibration && !weight.HasMoment ? clipSearch : quantizer;
                    QuantizedMatrix codes = weight.Quantize(usable, own, 0, sites[i].N, cancellationToken);
                    weights[i] = new CompressedWeight(sites[i], new Encoding.Quantized(own), [codes]);
                }
            }
        );
        using OnnxModel rewritten = emission.Rewrite(model, [.. weights.OfType<CompressedWeight>()], cancellationToken);
        return rewritten.Save(path, cancellationToken: cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose() => model.Dispose();

    private static QuantizationGrid Grid(int width, int block, bool isSymmetric) =>
        new(GridKind.Integer, width, block, isSymmetric, ScaleType.Float16);

    private bool Fits(Site site, QuantizationGrid grid) => emission.Supports(model, site, For(site, grid));

    /// <summary>A block that is not shorter than the column is the column itself.</summary>
    private static QuantizationGrid For(Site site, QuantizationGrid grid) => grid.BlockSize >= site.K ? grid with { BlockSize = 0 } : grid;
}
