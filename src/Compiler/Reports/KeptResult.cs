using System.Text.Json;
using Lorq.Caching;
using Lorq.Profiling;
using Lorq.Specs;

namespace Lorq.Reports;

/// <summary>
/// The files of an earlier run with the same model, data, spec and compiler: a build on another machine or after a clean one takes them
/// as they are. What depends on the place (paths, the command) is written anew.
/// </summary>
internal sealed class KeptResult
{
    /// <summary>Larger models are written anew from their weights: copies of them would push everything else out of the cache.</summary>
    private const long MostBytes = 1L << 28;

    private readonly CacheProfile cache;
    private readonly CompilationRequest request;
    private readonly OutputFiles files;
    private readonly CacheKey key;

    /// <summary>Prepares.</summary>
    /// <param name="cache">Results with this model and data.</param>
    /// <param name="request">The run.</param>
    /// <param name="files">Its files.</param>
    public KeptResult(CacheProfile cache, CompilationRequest request, OutputFiles files)
    {
        this.cache = cache;
        this.request = request;
        this.files = files;
        CompressionSpec spec = request.Spec;
        // The samples are what the profile is of; where they lie changes nothing.
        ContentHash hash = new ContentHash()
            .Add(SpecJson.Write(spec with { Calibration = spec.Calibration with { Data = [] } }))
            .Add(files.Model)
            .Add(request.MeasuresSpeed ? 1 : 0);
        if (request.MeasuresSpeed)
        {
            hash.Add(Environment.MachineName).Add(SpeedMeasurement.Processor());
        }
        key = new CacheKey("result", hash.Finish());
    }

    /// <summary>Puts the model and its manifest into the staging folder.</summary>
    /// <returns>The report, as of this run; null when there is no such result.</returns>
    public CompressionReport? Take()
    {
        if (!cache.TryRead(key, Read, out CompressionReport report))
        {
            return null;
        }
        return report with
        {
            Model = files.Facts(report.Model.OriginalBytes, report.Model.WrittenBytes),
            Calibration = report.Calibration with { Sources = request.Spec.Calibration.Data },
            Speed = report.Speed is { } speed ? speed with { IsEarlier = true } : null,
            Reproduce = new ReproduceFacts(request.CommandLine, SpecJson.Write(request.Spec)),
            IsEarlier = true,
        };
    }

    /// <summary>Keeps the staged files.</summary>
    /// <param name="report">Their report.</param>
    public void Keep(CompressionReport report)
    {
        bool isWhole = report.Model.WrittenBytes <= MostBytes && !files.HasExternalData;
        if (!cache.IsKept || !isWhole)
        {
            return;
        }
        // What happened to the cache this time is not so the next time.
        report = report with
        {
            Warnings = [.. report.Warnings.Except(request.Cache!.Warnings)],
        };
        cache.Write(
            key,
            writer =>
            {
                writer.Write(JsonReport.Write(report));
                writer.Write(File.ReadAllText(files.Staged(files.Manifest)));
                writer.Flush();
                using FileStream stream = File.OpenRead(files.Staged(files.Model));
                stream.CopyTo(writer.BaseStream);
            }
        );
    }

    private CompressionReport Read(BinaryReader reader, long length)
    {
        CompressionReport report;
        try
        {
            report = JsonReport.Read(reader.ReadString());
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("The report is none.", e);
        }
        File.WriteAllText(files.Staged(files.Manifest), reader.ReadString());
        using FileStream model = File.Create(files.Staged(files.Model));
        reader.BaseStream.CopyTo(model);
        return report;
    }
}
