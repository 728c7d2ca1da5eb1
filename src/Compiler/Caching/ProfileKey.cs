using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Reports;

namespace Lorq.Caching;

/// <summary>What all entries of a profile depend on: the model, the samples, and the code that computes.</summary>
internal static class ProfileKey
{
    /// <summary>The profile of a model and its samples.</summary>
    /// <param name="folder">The cache; null for none.</param>
    /// <param name="model">The model.</param>
    /// <param name="samples">The samples it is compressed with; null without data.</param>
    /// <param name="cancellationToken">Stops hashing.</param>
    public static CacheProfile Open(CacheFolder? folder, OnnxModel model, CalibrationSamples? samples, CancellationToken cancellationToken)
    {
        if (folder is null)
        {
            return CacheProfile.None;
        }
        if (samples is not (var data, var heldOut, var mask))
        {
            return folder.Open(Hash(model, cancellationToken).Add("no data").Finish(), Facts(model, "", 0, 0, null));
        }
        // What decides about the samples (their number, the batch size, the share kept aside) is in the batches themselves.
        ContentHash hash = Hash(model, cancellationToken)
            .Add("data")
            .Add(ContentHash.OfData(data, cancellationToken))
            .Add(heldOut == data ? 1 : 0)
            .Add(ContentHash.OfData(heldOut, cancellationToken))
            .Add(mask is null ? [] : [mask]);
        return folder.Open(hash.Finish(), Facts(model, data.Source, data.Samples, heldOut.Samples, mask));
    }

    /// <summary>
    /// The model and the code. The identity of an assembly changes with every change of its source, so no version of a quantizer has to be
    /// counted up by hand; results of another build, runtime or instruction set differ in the last bits, or by more.
    /// </summary>
    private static ContentHash Hash(OnnxModel model, CancellationToken cancellationToken)
    {
        ContentHash hash = new ContentHash().Add(VersionFacts.LorqVersion()).Add(VersionFacts.RuntimeVersion());
        foreach (Type part in (Type[])[typeof(ProfileKey), typeof(TorchSharp.torch)])
        {
            hash.Add(part.Module.ModuleVersionId.ToByteArray());
        }
        return hash.Add((long)RuntimeInformation.ProcessArchitecture)
            .Add(
                Vector512.IsHardwareAccelerated ? 512
                : Vector256.IsHardwareAccelerated ? 256
                : 128
            )
            .Add(ContentHash.OfModel(model, cancellationToken));
    }

    private static ProfileFacts Facts(OnnxModel model, string source, long samples, long heldOut, string? mask) =>
        new(Path.GetFileNameWithoutExtension(model.Path), model.Path, model.FileBytes, source, samples, heldOut, mask);
}
