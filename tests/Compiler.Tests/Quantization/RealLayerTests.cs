using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Sites;
using Lorq.Specs;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Quantization;

public sealed class RealLayerTests
{
    /// <summary>On every fourth linear layer of a real model, in the second moment of real inputs; on average also on samples that were kept aside.</summary>
    [SkippableFact]
    public void Gptq_beats_rounding_on_every_layer()
    {
        string? folder = TestData.SharedPath("models", "pygpt");
        Skip.If(folder is null, "shared/models/pygpt is not there.");
        using OnnxModel model = OnnxModel.Load(Path.Combine(folder, "model.onnx"));
        var spec = new CompressionSpec
        {
            Calibration = new CalibrationSpec
            {
                Data = [Path.Combine(folder, "calibration.npz")],
                MaxSamples = 16,
                HeldOut = 0.25,
            },
        };
        Site[] sites = [.. SiteFinder.Find(model, spec).Sites.Where(s => s.Kind == SiteKind.MatMul).Where((_, i) => i % 4 == 0)];
        CalibrationRun run = CalibrationRun.Start(
            model,
            sites,
            CalibrationSamples.Load(model, spec, default)!,
            spec,
            CacheProfile.None,
            null,
            default
        );
        CalibrationResult heldOut = Collector.Collect(model, sites, run.HeldOut, run.Mask, 1L << 30, 0, CacheProfile.None, null, default);
        Assert.True(sites.Length >= 6);
        var heldOutRatios = new List<double>();
        foreach (Site site in sites)
        {
            SecondMoment moment = run.Result.For(site)!.Moments![0];
            SecondMoment other = heldOut.For(site)!.Moments![0];
            float[] weight = site.ReadWeight();
            foreach (QuantizationGrid grid in new[] { Grid(2, 32, false, ScaleType.Float16), Grid(4, 32, true, ScaleType.Float16) })
            {
                (double plain, double plainOther) = Errors("rtn");
                foreach (string name in new[] { "gptq", "gptq-act", "gptq-cd" })
                {
                    (double error, double errorOther) = Errors(name);
                    Assert.True(error < 0.7 * plain, $"{site.Name} {grid} {name}: {error} of {plain}");
                    heldOutRatios.Add(errorOther / plainOther);
                }

                (double, double) Errors(string name)
                {
                    var problem = new WeightProblem(weight, site.K, site.N, moment, null);
                    float[] values = Quantizer(name).Quantize(problem, grid, default).Dequantize();
                    return (moment.RelativeError(weight, values, site.N), other.RelativeError(weight, values, site.N));
                }
            }
        }
        // Twelve sequences are few: single layers may fit them too closely, all together may not.
        Assert.InRange(heldOutRatios.Average(), 0.1, 0.75);
    }
}
