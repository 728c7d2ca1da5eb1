using Lorq.Models;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>What tensors in a file beside the model cost besides their values, which plans do not count: an upper bound, a part in thousands of models that need it.</summary>
internal static class ExternalReserve
{
    /// <summary>Names, numbers and lengths of a tensor's place, without the name of the file.</summary>
    private const int EntryBytes = 80;

    /// <summary>Tensors that a weight is written as, at most: codes in planes, scales, zero points, factors.</summary>
    private const int TensorsOfSite = 8;

    /// <summary>Bytes to set aside; 0 when everything is written into one file.</summary>
    /// <param name="model">The model.</param>
    /// <param name="table">Its sites.</param>
    /// <param name="path">Where it will be saved.</param>
    /// <param name="options">How it will be saved.</param>
    public static long Of(OnnxModel model, SiteTable table, string path, SaveOptions options)
    {
        bool isSplit = options.ExternalData == ExternalDataMode.External || model.FileBytes > options.InlineLimit;
        if (!isSplit)
        {
            return 0;
        }
        long tensors = table.Sites.Sum(s => (long)TensorsOfSite * (s.Kind == SiteKind.Gather ? MenuBuilder.TableSegments : 1));
        TensorVisitor.Visit(model.Proto, (tensor, _, _) => tensors += model.Payloads.Find(tensor) is null ? 0 : 1);
        return tensors * (EntryBytes + ModelWriter.Alignment + ModelWriter.DataName(path).Length);
    }
}
